#!/usr/bin/perl -w
# The CNI plugin that a container runtime starts: hands the request to the Podway agent of this node, and its answer back.
# No modules but strict, not even warnings: they would cost more than all the rest. AF_UNIX and SOCK_STREAM are 1 on Linux.
use strict;

my $socket = $ENV{PODWAY_CNI_SOCKET} || '@SOCKET@';
my $command = $ENV{CNI_COMMAND} || '';
binmode STDIN;
binmode STDOUT;
$SIG{PIPE} = 'IGNORE';
local $/;
my $config = -t STDIN ? '' : <STDIN>;
$config = '' unless defined $config;

# An error as the specification wants it: on stdout, with a code. 11: try again later; 50: not available.
sub refuse {
  my ($code, $message) = @_;
  my ($version) = $config =~ /"cniVersion"\s*:\s*"([0-9.]+)"/i;
  $version = '1.0.0' unless defined $version;
  $message =~ s/(["\\])/\\$1/g;
  print qq({"cniVersion":"$version","code":$code,"msg":"$message"}\n);
  exit 1;
}

my $away = $command eq 'STATUS' ? 50 : 11;
socket(my $agent, 1, 1, 0) or refuse(5, "cannot make a socket: $!");
connect($agent, pack('S a*', 1, $socket)) or refuse($away, "the Podway agent does not answer at $socket: $!");
binmode $agent;
my $request = join('', map { defined $ENV{$_} ? "$_=$ENV{$_}\0" : '' }
  qw(CNI_COMMAND CNI_CONTAINERID CNI_NETNS CNI_IFNAME CNI_ARGS CNI_PATH)) . "\0" . $config;
for (my $sent = 0; $sent < length $request;) {
  my $count = syswrite($agent, $request, length($request) - $sent, $sent);
  refuse($away, "the Podway agent has hung up: $!") unless defined $count;
  $sent += $count;
}
shutdown($agent, 1);
my $answer = <$agent>;
refuse($away, 'the Podway agent has hung up before it answered') unless defined $answer && $answer =~ s/^(\d+)\n//;
my $status = $1;
print $answer;
exit $status;
