#!/bin/sh
# git asks for a name and a password one after the other; both are files of a Secret.
case "$1" in
  Username*) cat /run/secrets/mirror/username ;;
  *) cat /run/secrets/mirror/password ;;
esac
