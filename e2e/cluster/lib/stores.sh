# MongoDB, Redis, RabbitMQ and an S3 server on loopback for the services' tests, the first three of the images the cluster uses.
# shellcheck shell=bash

STORES=(mongodb redis rabbitmq s3)

VERSITYGW_ENTRY=versitygw-$VERSITYGW_VERSION
S3_KEY=tests S3_SECRET=tests-secret S3_BUCKET=files

store_container() { printf 'socialplatform-%s-%s\n' "$1" "$2"; }

stores() {
  local action=${1:-} name=${2:-tests}
  case $action in
    up) lock; stores_up "$name" ;;
    down) lock; stores_down "$name" ;;
    env) stores_env "$name" ;;
    *) die "stores knows up, down and env, not '$action'" ;;
  esac
}

stores_up() {
  local name=$1
  make_stores_images
  versitygw
  if stores_answer "$name"; then
    say "stores $name are up"
    return
  fi
  stores_down "$name"
  step "start the stores $name" start_stores "$name"
}

make_stores_images() {
  if [[ $ENGINE == docker ]]; then
    images
  else
    packages
    make_base_image
    make_store_images
  fi
}

versitygw() {
  [[ -e $CACHE/$VERSITYGW_ENTRY ]] || need go "build the S3 server of the tests (https://go.dev/doc/install)"
  once "build versitygw $VERSITYGW_VERSION" "$VERSITYGW_ENTRY" go_install "github.com/versity/versitygw/cmd/versitygw@v$VERSITYGW_VERSION"
}

start_stores() {
  local name=$1 port store
  need python3 "make a replica set of one MongoDB member"
  write "$CACHE/stores/rabbitmq.conf" <<<'loopback_users = none'
  # A member of a replica set must reach itself under the address its clients use, so mongod's port is the same inside and outside.
  port=$(free_port)
  start_store "$name" mongodb "$port" "$port" --tmpfs /data/db:rw,mode=1777 --entrypoint mongod "$MONGODB_IMAGE" \
    --port "$port" --bind_ip_all --replSet rs0 --oplogSize 64 --wiredTigerCacheSizeGB "${STORES_MONGODB_CACHE_GB:-0.25}"
  start_store "$name" redis "$(free_port)" 6379 --entrypoint redis-server "$REDIS_IMAGE" --save '' --protected-mode no
  # The broker's name ends in the container's, which its data folder repeats.
  start_store "$name" rabbitmq "$(free_port)" 5672 --hostname rabbitmq -e HOME=/var/lib/rabbitmq \
    -v "$CACHE/stores/rabbitmq.conf:/etc/rabbitmq/conf.d/90-loopback.conf:ro" --entrypoint rabbitmq-server "$RABBITMQ_IMAGE"
  # The program needs nothing of the image but a shell, which the broker starts with too. A folder is a bucket; what is known of objects is kept beside them.
  start_store "$name" s3 "$(free_port)" 7070 --tmpfs /data:rw,mode=1777 -v "$CACHE/$VERSITYGW_ENTRY/versitygw:/versitygw:ro" \
    -e "ROOT_ACCESS_KEY=$S3_KEY" -e "ROOT_SECRET_KEY=$S3_SECRET" --entrypoint sh "$RABBITMQ_IMAGE" \
    -c "mkdir -p /data/objects/$S3_BUCKET /data/known && exec /versitygw --port :7070 posix --sidecar /data/known /data/objects"
  for store in "${STORES[@]}"; do
    wait_until 90 "an answer of $store (or its end)" answers_or_ended "$name" "$store"
    "${store}_answers" "$name" || die "$store does not answer; the end of its log: $(container logs --tail 20 "$(store_container "$name" "$store")" 2>&1)"
  done
}

answers_or_ended() {
  "$2_answers" "$1" || [[ $(container inspect -f '{{.State.Running}}' "$(store_container "$1" "$2")") == false ]]
}

# start_store NAME STORE HOSTPORT CONTAINERPORT OPTION… IMAGE ARGUMENT…
start_store() {
  local name=$1 store=$2 host=$3 inside=$4
  shift 4
  container run -d --pull=never --user 999:999 --name "$(store_container "$name" "$store")" --label "socialplatform.port=$host" \
    -p "127.0.0.1:$host:$inside" "$@" >/dev/null
}

# Below the range the kernel gives to outgoing connections, so that none takes the port in between.
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); do
    if is_free "$port"; then
      printf '%s\n' "$port"
      return
    fi
  done
}

port_of() {
  container inspect -f '{{index .Config.Labels "socialplatform.port"}}' "$(store_container "$1" "$2")" 2>/dev/null
}

stores_answer() { redis_answers "$1" && mongodb_answers "$1" && rabbitmq_answers "$1" && s3_answers "$1"; } >/dev/null 2>&1

mongodb_answers() { python3 "$HERE/lib/replica_set.py" "$(port_of "$1" mongodb)"; }

redis_answers() { [[ $(exchange "$(port_of "$1" redis)" 'PING\r\n' 5) == +PONG ]]; }

# A broker that takes connections answers the protocol's greeting with a method frame (type 1) on channel 0.
rabbitmq_answers() { [[ $(exchange "$(port_of "$1" rabbitmq)" 'AMQP\0\0\x09\x01' 3 | od -An -tx1 | tr -d ' \n') == 010000 ]]; }

s3_answers() { [[ $(exchange "$(port_of "$1" s3)" 'GET / HTTP/1.0\r\n\r\n' 5) == HTTP/ ]]; }

# exchange PORT MESSAGE COUNT: the first COUNT bytes of the answer.
exchange() {
  # shellcheck disable=SC2016 # expanded by the inner shell, which the deadline ends
  timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" && printf "$2" >&3 && head -c "$3" <&3' - "$@"
}

stores_down() {
  local store
  for store in "${STORES[@]}"; do
    container rm -f -v "$(store_container "$1" "$store")" >/dev/null 2>&1 || true
  done
}

stores_env() {
  local mongodb redis rabbitmq s3
  if ! { mongodb=$(port_of "$1" mongodb) && redis=$(port_of "$1" redis) && rabbitmq=$(port_of "$1" rabbitmq) && s3=$(port_of "$1" s3); }; then
    die "the stores $1 are not up: run 'cluster stores up $1'"
  fi
  printf 'export TEST_MONGODB_URL="mongodb://127.0.0.1:%s/?directConnection=true"\n' "$mongodb"
  printf 'export TEST_REDIS_URL="redis://127.0.0.1:%s"\n' "$redis"
  printf 'export TEST_RABBITMQ_URL="amqp://guest:guest@127.0.0.1:%s/%%2f"\n' "$rabbitmq"
  printf 'export TEST_S3_URL="http://%s:%s@127.0.0.1:%s/%s"\n' "$S3_KEY" "$S3_SECRET" "$s3" "$S3_BUCKET"
}
