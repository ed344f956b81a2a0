#!/bin/sh
# Mirrors the folder of DAGs into a prefix of an object store, with what is gone from it. Ends at the first failure: the pod is started again, and its restarts are seen.
# MIRROR_FROM folder, MIRROR_TO s3://bucket/prefix, gs://bucket/prefix or az://container/prefix, MIRROR_SECONDS between two looks (0: once). Keys: the pod's identity, or what the client reads by itself.
set -eu
export HOME="${TMPDIR:-/tmp}" RCLONE_S3_PROVIDER="${RCLONE_S3_PROVIDER:-AWS}"
place="${MIRROR_TO#*://}"
case "$MIRROR_TO" in
  s3://*) remote=":s3,env_auth=true:$place" ;;
  gs://*) remote=":gcs,env_auth=true,bucket_policy_only=true:$place" ;;
  az://*) remote=":azureblob,env_auth=true:$place" ;;
  *) echo "$MIRROR_TO is no s3://, gs:// or az:// address" >&2; exit 2 ;;
esac
while :; do
  # Each object is put as a whole; what is not a DAG there is not touched.
  rclone sync --config /dev/null --checksum --retries 1 --filter '- .*' --filter '+ /*.py' --filter '- *' "$MIRROR_FROM" "$remote"
  [ "$MIRROR_SECONDS" = 0 ] && exit 0
  sleep "$MIRROR_SECONDS"
done
