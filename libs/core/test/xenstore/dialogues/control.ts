import type { Talk } from './talk.ts'

export const CONTROL: readonly Talk[] = [
  {
    name: 'takes commands it knows, with their arguments',
    lines: [
      'd0 control check -> OK|',
      'd0 control check x -> EINVAL',
      'd0 control log on -> OK|',
      'd0 control log off -> OK|',
      'd0 control log maybe -> EINVAL',
      'd0 control log -> EINVAL',
      'd0 control print text -> OK|',
      'd0 control print -> EINVAL',
      'd0 control print two texts -> EINVAL',
      'd0 control bogus -> EINVAL',
      'd0 control -> EINVAL',
      'd0 control~ help -> EINVAL',
      'd1 control help -> EACCES',
    ],
  },
  {
    name: 'sets quotas by name',
    lines: [
      'd0 control quota set nodes -> EINVAL',
      'd0 control quota set nodes -5 -> EINVAL',
      'd0 control quota set nodes 5x -> EINVAL (xenstored: OK|)',
      'd0 control quota set nothing 5 -> EINVAL',
      'd0 control quota set toString 5 -> EINVAL',
      'd0 control quota 9 -> ENOENT',
      'd0 control quota x -> EINVAL (xenstored: ?)',
      'd0 control quota 1 2 -> EINVAL',
    ],
  },
  {
    name: 'tells what it can do, and how it stands',
    lines: [
      'd0 control help -> check\t;help\t;log\ton|off;memreport\t;print\t<text>;quota\t[set <name> <value>|<domid>];| (xenstored: ?)',
      'd1 write data/x 1 -> OK|',
      'd1 watch data t -> OK|',
      "d1 start '' -> 1|",
      'd0 control quota 1 -> Domain 1:;nodes            :        2;watches          :        1;transactions     :        1;outstanding      :        0;| (xenstored: ?)',
      'd0 control memreport -> 10 nodes, 229 bytes of paths, values and permissions;domain 1: 2 nodes, 1 watches, 1 transactions;domain 2: 1 nodes, 0 watches, 0 transactions;| (xenstored: ?)',
    ],
  },
]
