# Sourced by the scripts here.

# Runs a function once for each argument, as many at a time as there are processors, and prints what each
# printed when it has ended. False when one of them failed. The caller has no other jobs.
side_by_side() { # function, arguments...
  local function=$1 running=0 result=0 argument
  shift
  for argument in "$@"; do
    if [ "$running" -ge "$(nproc)" ]; then
      wait -n || result=1
      running=$((running - 1))
    fi
    { output=$("$function" "$argument" 2>&1); code=$?; printf '%s\n' "$output"; exit "$code"; } &
    running=$((running + 1))
  done
  for (( ; running > 0; running--)); do wait -n || result=1; done
  return "$result"
}
