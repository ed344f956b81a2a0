{{/* Settings of the platform, none of them secret: secrets are files. (root service) -> JSON */}}
{{- define "etl.env" -}}{{ $root := index . 0 }}{{ $v := $root.Values }}{{ $files := "/run/secrets/etl" }}
{{- $env := dict "ETL_MESSAGING_BROKERS" $v.kafka.brokers "ETL_MESSAGING_PREFIX" $v.kafka.prefix "ETL_MESSAGING_TLS" (ternary "on" "off" $v.kafka.tls) "ETL_MESSAGING_SASL" $v.kafka.sasl "ETL_MESSAGING_REPLICATION" $v.topics.replication }}
{{- if $v.kafka.tls }}{{ $_ := set $env "ETL_MESSAGING_CA_FILE" (printf "%s/kafka/ca.crt" $files) }}{{ end }}
{{- if ne $v.kafka.sasl "none" }}{{ range list "username" "password" }}{{ $_ := set $env (printf "ETL_MESSAGING_%s_FILE" (upper .)) (printf "%s/kafka/%s" $files .) }}{{ end }}{{ end }}
{{- merge $env $v.config | toJson }}
{{- end }}
{{/* Mebibytes of a quantity: Mi or Gi */}}
{{- define "etl.mebibytes" -}}{{ if not (regexMatch "^[0-9]+(Mi|Gi)$" .) }}{{ fail (printf "resources.limits.memory of etl-worker is %s: write it in Mi or Gi, such as 2Gi" .) }}{{ end }}{{ $n := regexFind "^[0-9]+" . | int }}{{ if hasSuffix "Gi" . }}{{ mul $n 1024 }}{{ else }}{{ $n }}{{ end }}{{- end }}
{{/* Each slot may start an engine; together they may have enginePercent of the memory limit. (settings of etl-worker) */}}
{{- define "etl.engineMemory" -}}{{ $limit := include "etl.mebibytes" (toString .resources.limits.memory) | int }}{{ $each := div (div (mul $limit (int .enginePercent)) 100) (int .slots) }}
{{- if lt $each 192 }}{{ fail (printf "services.etl-worker: %d slots share %v %% of %s, which leaves an engine %d MiB; 192 are needed: fewer slots, or a higher resources.limits.memory" (int .slots) .enginePercent .resources.limits.memory $each) }}{{ end }}{{ $each }}
{{- end }}
{{/* What the workers are told of engines, so that the orchestrator plans by the same. (root) -> JSON */}}
{{- define "etl.engines" -}}{{ $worker := get (include "etl.services" . | fromJson) "etl-worker" }}{{ $engines := dict "ETL_ENGINES_SPARK_URL" .Values.spark.url }}
{{- if and .Values.spark.url (not .Values.spark.folder) }}{{ fail "spark.url needs spark.folder, where Parquet is handed over" }}{{ end }}
{{- if $worker }}{{ $_ := set $engines "ETL_ETL_WORKER_ENGINE_MEMORY_MB" (include "etl.engineMemory" $worker) }}{{ end }}
{{- $engines | toJson }}
{{- end }}
{{/* What a serving process reads beside. (root name settings) -> JSON */}}
{{- define "etl.serviceEnv" -}}{{ $root := index . 0 }}{{ $name := index . 1 }}{{ $s := index . 2 }}{{ $v := $root.Values }}{{ $files := "/run/secrets/etl" }}
{{- $env := dict "ETL_SERVICE_KIT_PORT" $s.port "ETL_SERVICE_KIT_GRACE_MS" (mul 1000 (sub (int $s.graceSeconds) 5)) "ETL_PERSISTENCE_URL" (include "etl.database" (list $root (include "etl.role" $name))) "ETL_PERSISTENCE_RELAY_URL" (include "etl.database" (list $root "etl_relay"))
  "ETL_PERSISTENCE_PASSWORD_FILE" (printf "%s/postgres/own" $files) "ETL_PERSISTENCE_RELAY_PASSWORD_FILE" (printf "%s/postgres/relay" $files) "ETL_SERVICE_KIT_TOKENS" (printf "%s/access/tokens.json" $files) }}
{{- if eq $name "orchestrator" }}{{ $_ := set $env "ETL_ORCHESTRATOR_SIGNING_KEY_FILE" (printf "%s/signing/ed25519.pem" $files) }}{{ if $v.project.existingConfigMap }}{{ $_ := set $env "ETL_ORCHESTRATOR_PROJECT" "/etc/agent-etl/agent-etl.yaml" }}{{ end }}{{ end }}
{{- if has $name (list "orchestrator" "etl-worker") }}{{ $env = merge $env (include "etl.engines" $root | fromJson) }}{{ end }}
{{- if eq $name "etl-worker" }}{{ $env = merge $env (dict "ETL_ETL_WORKER_SLOTS" $s.slots "ETL_ETL_WORKER_SCRATCH" "/tmp" "ETL_SECRETS_STORE" $v.secretStore.kind "ETL_SECRETS_PREFIX" $v.secretStore.prefix "ETL_SECRETS_REGION" $v.secretStore.region "ETL_ENGINES_SPARK_TOKEN" $v.spark.token "ETL_ENGINES_SPARK_FOLDER" $v.spark.folder) }}{{ end }}
{{- if and (eq $name "dag-generator") (ne $v.dags.publish "none") }}{{ $env = merge $env (dict "ETL_DAG_GENERATOR_FOLDER" "/dags" "ETL_DAG_GENERATOR_ROOT" "/dags") }}{{ end }}
{{- merge $env $s.config (include "etl.env" . | fromJson) | toJson }}
{{- end }}
{{- define "etl.envList" -}}
{{- range $key, $value := fromJson . }}{{ if ne (toString $value) "" }}
- { name: {{ $key }}, value: {{ $value | toString | quote }} }
{{- end }}{{ end }}
{{- end }}
{{/* One read-only folder with the keys of this pod alone. (root app (role-key path)…) -> JSON volume */}}
{{- define "etl.secrets" -}}{{ $root := index . 0 }}{{ $app := index . 1 }}{{ $v := $root.Values }}{{ $sources := list }}
{{- $pg := list }}{{ if eq $v.postgres.sslmode "verify-full" }}{{ $pg = append $pg (dict "key" "ca.crt" "path" "postgres/ca.crt") }}{{ end }}
{{- range slice . 2 }}{{ if eq (len .) 2 }}{{ $pg = append $pg (dict "key" (printf "%s.password" (index . 0)) "path" (printf "postgres/%s" (index . 1))) }}{{ end }}{{ end }}
{{- if $pg }}{{ $sources = append $sources (dict "secret" (dict "name" $v.postgres.existingSecret "items" $pg)) }}{{ end }}
{{- $kafka := list }}{{ if $v.kafka.tls }}{{ $kafka = append $kafka (dict "key" "ca.crt" "path" "kafka/ca.crt") }}{{ end }}
{{- if ne $v.kafka.sasl "none" }}{{ range list "username" "password" }}{{ $kafka = append $kafka (dict "key" (printf "%s.%s" $app .) "path" (printf "kafka/%s" .)) }}{{ end }}{{ end }}
{{- if and $kafka (ne $app "migrate") }}{{ $sources = append $sources (dict "secret" (dict "name" $v.kafka.existingSecret "items" $kafka)) }}{{ end }}
{{- if not (has $app (list "migrate" "topics")) }}{{ $sources = append $sources (dict "secret" (dict "name" $v.access.existingSecret "items" (list (dict "key" "tokens.json" "path" "access/tokens.json")))) }}{{ end }}
{{- if eq $app "orchestrator" }}{{ $sources = append $sources (dict "secret" (dict "name" $v.signing.existingSecret "items" (list (dict "key" "ed25519.pem" "path" "signing/ed25519.pem")))) }}{{ end }}
{{- dict "name" "secrets" "projected" (dict "defaultMode" 288 "sources" $sources) | toJson }}
{{- end }}
{{- define "etl.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: { runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, fsGroupChangePolicy: OnRootMismatch, seccompProfile: { type: RuntimeDefault } }
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - { name: {{ . }} }
  {{- end }}
{{- end }}
{{- end }}
{{- define "etl.box" -}}
securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, privileged: false, capabilities: { drop: [ALL] } }
{{- end }}
