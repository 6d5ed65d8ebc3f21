# Control groups of version 1: one group in each hierarchy, below that of whoever runs this. To be sourced.

# hierarchies: "mount-point options" for each.
hierarchies() { awk '$3 == "cgroup" { print $2, $4 }' /proc/mounts; }

# group_of OPTIONS: this process' group in the hierarchy with these mount options.
group_of() {
  awk -F: -v options="$1" '
    BEGIN { count = split(options, given, ",") }
    { for (i = 1; i <= count; i++) if (given[i] == $2 || index("," $2 ",", "," given[i] ",")) { print $3; exit } }' /proc/self/cgroup
}

# group_folders NAME: where the group NAME is, or is to be.
group_folders() {
  hierarchies | while read -r point options; do
    group=$(group_of "$options")
    echo "$point${group%/}/$1"
  done
}

make_cgroups() {
  for folder in $(group_folders "$1"); do
    mkdir -p "$folder"
    # Groups within take their processors and memory from it.
    if [ -e "$folder/cpuset.cpus" ]; then
      cat "$folder/../cpuset.cpus" >"$folder/cpuset.cpus"
      cat "$folder/../cpuset.mems" >"$folder/cpuset.mems"
      echo 1 >"$folder/cgroup.clone_children"
    fi
  done
}

# enter_cgroups NAME: this shell, and what it starts from now on.
enter_cgroups() {
  for folder in $(group_folders "$1"); do echo $$ >"$folder/cgroup.procs"; done
}

# remove_cgroups NAME: with the groups within. Its processes end a moment after they are killed.
remove_cgroups() {
  for folder in $(group_folders "$1"); do
    tries=0
    while [ -d "$folder" ] && [ "$tries" -lt 100 ]; do
      find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
      tries=$((tries + 1))
    done
    [ ! -d "$folder" ] || echo "beside-kubernetes: cannot remove the control group $folder" >&2
  done
}
