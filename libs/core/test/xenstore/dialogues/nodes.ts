import type { Talk } from './talk.ts'

export const NODES: readonly Talk[] = [
  {
    name: 'are created with their parents',
    lines: [
      'd0 write /a/b/c x y -> OK|',
      'd0 ls /a -> b|',
      'd0 read /a/b/c -> x|y',
      'd0 read /a ->',
      'd0 ls /a/b/c ->',
      'd0 mkdir /a/b/d -> OK|',
      'd0 mkdir /a/b/c -> OK|',
      'd0 read /a/b/c -> x|y',
      'd0 ls /a/b -> c|d|',
    ],
  },
  {
    name: 'are listed in order of creation',
    lines: [
      'd0 write /x/z 1 -> OK|',
      'd0 write /x/a 1 -> OK|',
      'd0 write /x/m 1 -> OK|',
      'd0 write /x/z 2 -> OK|',
      'd0 ls /x -> z|a|m|',
      'd0 rm /x/z -> OK|',
      'd0 write /x/z 3 -> OK|',
      'd0 ls /x -> a|m|z|',
      'd0 ls / -> tool|local|x|',
      'd0 ls /tool -> xenstored|',
    ],
  },
  {
    name: 'are removed with all below; removing what is not there succeeds if its parent is',
    lines: [
      'd0 write /a/b/c x -> OK|',
      'd0 rm /a/b -> OK|',
      'd0 read /a/b/c -> ENOENT',
      'd0 rm /a/b -> OK|',
      'd0 rm /a/b/c -> ENOENT',
      'd0 rm / -> EINVAL',
    ],
  },
  {
    name: 'are found by paths relative to the home of who asks',
    lines: [
      'd1 write data/x 5 -> OK|',
      'd0 read /local/domain/1/data/x -> 5',
      'd1 read /local/domain/1/data/x -> 5',
      'd2 read data/x -> ENOENT',
      'd0 mkdir relative -> OK|',
      'd0 ls /local/domain/0 -> relative|',
    ],
  },
  {
    name: 'have well-formed paths',
    lines: [
      'd0 read a//b -> EINVAL',
      'd0 read /a/ -> EINVAL',
      "d0 read '' -> EINVAL",
      "d0 read~ '' -> EINVAL",
      'd0 read /a.b -> EINVAL',
      'd0 write /a+b x -> EINVAL',
      'd0 read @other -> EINVAL',
      'd0 write /A-z_0@9 ok -> OK|',
    ],
  },
  {
    name: 'have paths of bounded length',
    lines: [
      'd0 write /{a*3071} x -> OK| (xenstored: EINVAL)',
      'd0 write /{a*3072} x -> EINVAL',
      'd1 write data/{a*2043} x -> OK| (xenstored: ENOSPC)',
      'd1 write data/{a*2044} x -> EINVAL',
      'd1 mkdir data/{a*3000} -> EINVAL',
      'd1 read /local/domain/1/data/{b*2043} -> ENOENT',
      'd1 read /local/domain/1/data/{b*2044} -> EINVAL',
    ],
  },
  {
    name: 'are asked for with the right number of arguments, each with its NUL',
    lines: [
      'd0 write /a -> EINVAL',
      'd0 read / x -> EINVAL (xenstored: ?)',
      'd0 ls / x -> EINVAL (xenstored: ?)',
      'd0 mkdir /a b -> EINVAL (xenstored: ?)',
      'd0 rm /a b -> EINVAL (xenstored: ?)',
      'd0 getPerms / x -> EINVAL (xenstored: ?)',
      'd0 getPerms~ / -> EINVAL (xenstored: ?)',
      'd0 read~ /tool -> EINVAL (xenstored: ?)',
      'd0 ls /a -> ENOENT',
    ],
  },
  {
    name: 'hold what one message holds',
    lines: [
      'd0 write /big {v*4091} -> OK|',
      'd0 read /big -> {v*4091}',
      "d0 write /empty '' -> OK|",
      'd0 read /empty ->',
    ],
  },
]
