# Counts the words of a text, turns some about, and sorts them: hashes, regular expressions, strings.
use strict;
use warnings;

my (%count, %ends, $turned);
open my $text, '<', $ARGV[0] or die $!;
while (my $line = <$text>) {
    while ($line =~ /([a-z]+)(\W*)/g) {
        $count{$1}++;
        push @{ $ends{ substr $1, -2 } }, length $1 if length $1 > 4;
    }
    (my $copy = $line) =~ s/(\w+) (\w+)/$2 $1/;
    $copy =~ tr/a-m/n-z/;
    $turned += length($copy) + ($copy =~ /(.)(.)\2\1/ ? 1 : 0);
}
for my $word (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count) {
    printf "%s %d\n", $word, $count{$word} if $count{$word} % 3;
}
print join(' ', map { "$_:" . scalar @{ $ends{$_} } } sort keys %ends), "\n$turned\n";
