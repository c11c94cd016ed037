#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One task of a Kiln job, on a node: renders the frames of its line in ARRAY/tasks, in a directory of its own.
# use: batch_script.sh ARRAY FINAL BLENDER     (by sbatch --array; every value comes as an argument or from a file)
set -u
array=$1 final=$2 blender=$3
task=$SLURM_ARRAY_TASK_ID restart=${SLURM_RESTART_COUNT:-0}
run=$array/run-$task-$SLURM_JOB_ID-$restart
fail() { printf 'kiln: %s\n' "$*" >&2; exit 125; }

# Another directory for each run: when a node was lost, Slurm starts a second one while the first may go on.
mkdir -- "$run" "$run/tmp" || fail "no directory can be made on ${SLURMD_NODENAME:-this node}: is the output shared with it, and writable?"
cd -- "$run" || fail "$run cannot be entered"
: >began
mapfile -s $((task - 1)) -n 1 -t line <"$array/tasks" || fail "$array/tasks cannot be read"
mapfile -d '' -t before <"$array/before" && mapfile -d '' -t after <"$array/after" || fail "$array cannot be read"
[[ ${#line[@]} -eq 1 && ${#before[@]} -gt 0 ]] || fail "$array has no task $task"

# A frame that is published already is not rendered again.
is_published() {
  local name found
  printf -v name 'blender-render_%04d' "$1"
  for found in "$final/$name".*; do
    [[ ! -e $found ]] || return 0
  done
  return 1
}
frames=()
read -ra numbers <<<"${line[0]}"
for ((i = 0; i + 2 < ${#numbers[@]}; i += 3)); do
  first=${numbers[i]} last=${numbers[i + 1]} step=${numbers[i + 2]}
  if [[ $restart -eq 0 ]]; then
    frames+=(-j "$step" -s "$first" -e "$last" -a)
    continue
  fi
  for ((frame = first; frame <= last; frame += step)); do
    is_published "$frame" || frames+=(-j 1 -s "$frame" -e "$frame" -a)
  done
done

export TMPDIR=$run/tmp TEMP=$run/tmp TMP=$run/tmp
export KILN_LOADED=$run/loaded KILN_WORKSPACE=$run KILN_FINAL=$final KILN_TASK=$task
threads=()
for ((i = 0; i + 1 < ${#before[@]}; ++i)); do # with -t 0 Blender takes all CPUs of the node: it gets those of its task
  [[ ${before[i]} != -t || ${before[i + 1]} != 0 || -z ${SLURM_CPUS_ON_NODE-} ]] || threads=(-t "$SLURM_CPUS_ON_NODE")
done
command=("$blender" "${before[@]}" "${threads[@]}" -o "$run/blender-render_####" "${frames[@]}" "${after[@]}")
[[ ! -f $array/site ]] || command=(bash "$array/site" "${command[@]}")

status=0
if [[ ${#frames[@]} -gt 0 ]]; then
  "${command[@]}" </dev/null >blender.log 2>&1 &
  child=$!
  trap 'kill -TERM "$child" 2>/dev/null' TERM INT
  wait "$child"
  status=$?
  while kill -0 "$child" 2>/dev/null; do # a signal to us has ended the wait, not Blender
    wait "$child"
    status=$?
  done
  trap '' TERM INT
fi

{
  printf 'status %d\nnode %s\n' "$status" "${SLURMD_NODENAME:-$(uname -n)}"
  for file in blender-render_*; do
    [[ ! -f $file ]] || printf 'file %s\n' "$file"
  done
  echo end
} >ended.new && mv -- ended.new ended
exit "$status"
