#!/bin/sh
# Kafka's own console producer: one line of standard input is one message.   console-producer.sh BROKERS TOPIC
exec node "$(dirname "$0")/console-producer.mjs" "$@"
