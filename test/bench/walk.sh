#!/bin/bash
# What a release does, as a shell script would do it: clone, build, push, and then, for test, pre-release and production: start, check health,
# swap behind the proxy, watch for the stable window, take the old ones away. Same counts, same windows, same limits as the suite's project.
#   walk.sh <folder> <repository url> <image> <page> <label> <stable seconds> <admin port of test> <... pre-release> <... production>
set -euo pipefail
folder=$1 url=$2 image=$3 page=$4 label=$5 stable=$6
shift 6

rm -rf "$folder/clone"
git clone -q --depth 1 --branch main -- "$url" "$folder/clone"
revision=$(git -C "$folder/clone" rev-parse HEAD)
docker build -q --label "$label=image" -t "$image:$revision" "$folder/clone" >/dev/null 2>&1
docker push -q "$image:$revision" >/dev/null
digest=$(docker inspect --format '{{index .RepoDigests 0}}' "$image:$revision")

# proxy <admin port> <command>: one command to the proxy's runtime API
proxy() {
  exec 3<>"/dev/tcp/127.0.0.1/$1"
  printf '%s\n' "$2" >&3
  cat <&3 >/dev/null
  exec 3>&-
}

# deploy <environment> <instances> <admin port>
deploy() {
  local environment=$1 count=$2 admin=$3 old id port slot round
  old=$(docker ps -q --filter "label=$label=$environment")
  docker pull -q "$digest" >/dev/null
  round=$(cat "$folder/$environment.round" 2>/dev/null || echo 0)
  echo $((1 - round)) >"$folder/$environment.round"
  for i in $(seq "$count"); do
    slot=$((round * count + i))
    id=$(docker run -d --label "$label=$environment" --label "slot=$slot" --cpus 0.5 --memory 64m --restart unless-stopped -p 127.0.0.1::8080 "$digest")
    port=$(docker port "$id" 8080 | sed 's/.*://')
    until curl -fs -o /dev/null --max-time 1 "http://127.0.0.1:$port/healthz"; do sleep 0.05; done
    proxy "$admin" "set server app/s$slot addr 127.0.0.1 port $port"
    proxy "$admin" "set server app/s$slot state ready"
    if [ "$i" = 1 ]; then sleep "$stable"; fi
    for gone in $(echo "$old" | sed -n "${i}p"); do
      proxy "$admin" "set server app/s$(docker inspect --format '{{index .Config.Labels "slot"}}' "$gone") state maint"
      docker stop -t 1 "$gone" >/dev/null
      docker rm "$gone" >/dev/null
    done
  done
  if [ "$count" -gt 1 ]; then sleep "$stable"; fi
}

# answers <port>: what people get shows the new page
answers() {
  until curl -fs --max-time 1 "http://127.0.0.1:$1/" | grep -q "$page"; do sleep 0.05; done
}

deploy test 1 "$1"
answers "$(cat "$folder/test.port")"
deploy pre-release 1 "$2"
answers "$(cat "$folder/pre-release.port")"
deploy production 2 "$3"
answers "$(cat "$folder/production.port")"
