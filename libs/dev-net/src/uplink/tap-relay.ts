/**
 * Joins a TAP device to a stream. Node can call no ioctl, so a short program of Perl does (every Debian has Perl): it makes or opens the
 * device, says its name in a first record, and passes frames with their virtio_net_hdr. It ends with its stream, and the
 * device with it, unless that is persistent.
 */

/** TUNSETIFF with IFF_TAP, IFF_NO_PI and IFF_VNET_HDR; TUNSETOFFLOAD with TUN_F_CSUM, TUN_F_TSO4 and TUN_F_TSO6 (linux/if_tun.h). */
const PROGRAM = `
use strict;
use Fcntl;
sub fail { print STDERR "$_[0]: $!\\n"; exit 1 }
open(my $tap, '+<', '/dev/net/tun') or fail('/dev/net/tun');
my $request = pack('a16 S x22', $ARGV[0], 0x5002);
ioctl($tap, 0x400454ca, $request) or fail('TUNSETIFF');
ioctl($tap, 0x400454d0, 7) or fail('TUNSETOFFLOAD');
open(my $stream, '+<&=', 3) or fail('stream');
my $name = unpack('Z16', $request);
syswrite($stream, pack('N', length $name) . $name);
fcntl($tap, F_SETFL, O_RDWR | O_NONBLOCK) or fail('O_NONBLOCK');
my ($from, $to) = (fileno $tap, fileno $stream);
my ($in, $wanted) = ('', '');
vec($wanted, $from, 1) = 1;
vec($wanted, $to, 1) = 1;
while (1) {
  my $ready = $wanted;
  next if select($ready, undef, undef, undef) < 1;
  if (vec($ready, $from, 1)) {
    my $out = '';
    while (length $out < 131072) {
      my $count = sysread($tap, my $frame, 65600);
      last if !defined $count && $!{EAGAIN};
      defined $count or fail('read');
      $out .= pack('N', $count) . $frame;
    }
    while (length $out) {
      my $count = syswrite($stream, $out);
      defined $count or exit 0;
      substr($out, 0, $count, '');
    }
  }
  if (vec($ready, $to, 1)) {
    sysread($stream, $in, 262144, length $in) or exit 0;
    my $at = 0;
    while (length($in) - $at >= 4) {
      my $count = unpack('N', substr($in, $at, 4));
      last if length($in) - $at - 4 < $count;
      syswrite($tap, substr($in, $at + 4, $count));
      $at += 4 + $count;
    }
    substr($in, 0, $at, '');
  }
}
`

/** Arguments of perl. @param device its name, or a pattern such as `tap%d` for one that is free */
export function tapRelay(device: string): readonly string[] {
  return ['-e', PROGRAM, '--', device]
}
