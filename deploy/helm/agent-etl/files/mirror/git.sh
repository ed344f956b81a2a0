#!/bin/sh
# Mirrors the folder of DAGs into a folder of a git branch, with what is gone from it. Ends at the first failure: the pod is started again, and its restarts are seen.
# MIRROR_FROM folder, MIRROR_TO address, MIRROR_BRANCH, MIRROR_PATH folder in the repository, MIRROR_SECONDS between two looks (0: once).
set -eu
export HOME="${TMPDIR:-/tmp}" GIT_TERMINAL_PROMPT=0 GIT_AUTHOR_NAME=agent-etl GIT_AUTHOR_EMAIL=agent-etl@localhost GIT_COMMITTER_NAME=agent-etl GIT_COMMITTER_EMAIL=agent-etl@localhost
work="${TMPDIR:-/tmp}/mirror"
rm -rf "$work"
git clone -q --depth 1 --branch "$MIRROR_BRANCH" -- "$MIRROR_TO" "$work"
while :; do
  git -C "$work" fetch -q --depth 1 origin "$MIRROR_BRANCH"
  git -C "$work" reset -q --hard FETCH_HEAD
  # Only files of DAGs: a temporary file begins with a dot, and others in the folder are not ours.
  mkdir -p "$work/$MIRROR_PATH"
  rm -f "$work/$MIRROR_PATH"/*.py
  for dag in "$MIRROR_FROM"/*.py; do
    [ -e "$dag" ] && cp "$dag" "$work/$MIRROR_PATH/"
  done
  git -C "$work" add -A -- "$MIRROR_PATH"
  if ! git -C "$work" diff --cached --quiet; then
    git -C "$work" commit -q -m "DAGs of agent-etl"
    # Refused when somebody was faster: the next look begins from theirs.
    git -C "$work" push -q origin "HEAD:$MIRROR_BRANCH" || echo "push refused, again in $MIRROR_SECONDS s"
  fi
  [ "$MIRROR_SECONDS" = 0 ] && exit 0
  sleep "$MIRROR_SECONDS"
done
