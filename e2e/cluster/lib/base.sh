# The image our programs are put on: the C library, certificates, a user without rights, and no shell.
# shellcheck shell=bash

base_image() {
  if [[ $ENGINE == docker ]]; then
    printf '%s\n' "$DOCKER_BASE_IMAGE"
  else
    printf 'localhost/socialplatform-base:%s-%s\n' "$DEBIAN_SUITE" "$(recipe lib/debian.sh lib/base.sh)"
  fi
}

make_base_image() {
  podman image exists "$(base_image)" || step "make the program base image" base_from_debian
}

base_from_debian() {
  local from to
  from=$(scratch_folder) to=$(scratch_folder)
  debian_files "$from" libc6 libgcc-s1 ca-certificates
  merged_usr "$to"
  base_libraries "$from" "$to"
  base_accounts "$to"
  mkdir -p "$to/etc/ssl/certs"
  cat "$from"/usr/share/ca-certificates/mozilla/*.crt >"$to/etc/ssl/certs/ca-certificates.crt"
  image_of "$to" "$(base_image)" 'ENV PATH=/usr/local/bin:/usr/bin' 'USER 65532:65532'
  rm -rf "$from" "$to"
}

merged_usr() {
  mkdir -p "$1"/usr/{bin,sbin,lib,lib64,local/bin} "$1"/{dev,proc,sys,run,var}
  install -d -m 1777 "$1/tmp"
  ln -s usr/bin usr/sbin usr/lib usr/lib64 "$1/"
  chmod 755 "$1"
}

# Names are resolved by the C library itself (files, dns); libgcc_s unwinds Rust's stack and ends threads.
base_libraries() {
  local library
  for library in libc.so.6 libm.so.6 libgcc_s.so.1 libresolv.so.2 libpthread.so.0 libdl.so.2 librt.so.1 libnss_files.so.2 libnss_dns.so.2; do
    copy_file "$1" "$2" "/lib/x86_64-linux-gnu/$library"
  done
  copy_file "$1" "$2" "$LOADER"
}

base_accounts() {
  mkdir -p "$1/etc"
  printf 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n' >"$1/etc/passwd"
  printf 'root:x:0:\nnonroot:x:65532:\n' >"$1/etc/group"
  printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$1/etc/nsswitch.conf"
}
