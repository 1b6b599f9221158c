# Files for images out of Debian packages: extracted, never configured, and no more of them than a program needs.
# shellcheck shell=bash

LOADER=/lib64/ld-linux-x86-64.so.2

# debian_files FOLDER PACKAGE…: the files of packages and of all they depend on, in an empty folder.
debian_files() {
  local folder=$1 packages
  shift
  packages=$(IFS=,; printf '%s' "$*")
  mmdebstrap --quiet --variant=extract --include="base-files,$packages" "$DEBIAN_SUITE" "$folder"
}

# copy_programs FROM TO PROGRAM…: programs with the shared libraries they load.
copy_programs() {
  local from=$1 to=$2 file
  shift 2
  for file in "$@" $(for program in "$@"; do libraries "$from" "$program"; done | sort -u); do
    copy_file "$from" "$to" "$file"
  done
}

# libraries FROM PROGRAM: what the loader of the extracted system, not of this machine, says the program needs.
libraries() { chroot "$1" "$LOADER" --list "$2" | awk '$2 == "=>" {print $3}'; }

# copy_file FROM TO FILE: the file itself where FILE is a link, always under /usr, to which /lib and /bin are links.
copy_file() {
  local file=/usr/${3#/}
  file=${file/#\/usr\/usr/\/usr}
  install -D "$1$file" "$2$file"
}

# image_of FOLDER NAME CHANGE…: an image with the folder's content as its only layer.
image_of() {
  local folder=$1 name=$2 change changes=()
  shift 2
  for change in "$@"; do changes+=(-c "$change"); done
  tar -C "$folder" --numeric-owner -c . | podman import -q "${changes[@]}" - "$name"
}

# on_base FOLDER NAME DOCKERFILE-LINE…: an image with the folder's content on top of the program base image.
on_base() {
  local folder=$1 name=$2
  shift 2
  { printf 'FROM %s\nCOPY . /\n' "$(base_image)"; printf '%s\n' "$@"; } |
    podman build -q --pull-never -t "$name" -f - "$folder"
}
