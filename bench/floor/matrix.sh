#!/usr/bin/env bash
# Runs the latency matrix: matrix.sh DIRECTORY, where build put the programs. REPS: repeats of each; RUN: a wrapper.
set -eu
cd "${1:?usage: matrix.sh DIRECTORY}"; R=${REPS:-3}
run(){ ${RUN:-} ./lat "$@"; }
for h in thread proc; do for pin in diff same; do
 for m in shm anon; do
  run $m $h missing 1 32768 read $pin 1 $R
  run $m $h missing 16 8192 read $pin 1 $R
 done
 run shm $h minor 1 32768 read $pin 1 $R
 run shm $h minor 16 8192 read $pin 1 $R
 run shm $h wp 1 32768 read $pin 1 $R
 run shm $h fillcont 1 32768 read $pin 1 $R
 run shm $h fillcont 16 8192 read $pin 1 $R
 run shm $h pwcont 16 8192 read $pin 1 $R
done; done
for h in thread proc; do run shm $h missing 1 32768 spin diff 1 $R; run shm $h missing 16 8192 spin diff 1 $R; run shm $h missing 1 32768 poll diff 1 $R; run shm $h missing 1 32768 read none 1 $R;  run shm $h missing 1 65536 poll none 2 $R; run shm $h missing 16 8192 read same 1 $R seq; done
run anon sigbus missing 1 32768 read diff 1 $R; run shm sigbus missing 1 32768 read diff 1 $R; run shm sigbus missing 16 8192 read diff 1 $R; run shm sigbus minor 1 32768 read diff 1 $R
