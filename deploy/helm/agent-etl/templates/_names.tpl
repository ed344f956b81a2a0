{{/* A long name is cut and gets four bytes of its digest: two releases that begin alike stay two. */}}
{{- define "etl.name" -}}{{ $name := ternary .Release.Name (printf "%s-agent-etl" .Release.Name) (contains "agent-etl" .Release.Name) }}{{ if gt (len $name) 40 }}{{ printf "%s-%s" ($name | trunc 31 | trimSuffix "-") (sha256sum $name | trunc 8) }}{{ else }}{{ $name }}{{ end }}{{- end }}
{{/* (root component): what selects the pods of one component */}}
{{- define "etl.select" -}}
{{ dict "app.kubernetes.io/name" "agent-etl" "app.kubernetes.io/instance" (index . 0).Release.Name "app.kubernetes.io/component" (index . 1) | toJson }}
{{- end }}
{{- define "etl.labels" -}}{{ $root := index . 0 }}
{{- $more := dict "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version) "app.kubernetes.io/version" $root.Chart.AppVersion "app.kubernetes.io/managed-by" $root.Release.Service "app.kubernetes.io/part-of" "agent-etl" }}
{{- merge $more (include "etl.select" . | fromJson) | toJson }}
{{- end }}
{{/* (root service) */}}
{{- define "etl.image" -}}{{ $image := (index . 0).Values.image }}{{ $app := index . 1 }}
{{- with $image.registry }}{{ . }}/{{ end }}{{ $image.repository }}/{{ $app }}{{ with get $image.digests $app }}@{{ . }}{{ else }}:{{ $image.tag | default (index $ 0).Chart.AppVersion }}{{ end }}
{{- end }}
{{/* name -> settings of every enabled service, as JSON */}}
{{- define "etl.services" -}}{{ $all := dict }}
{{- range $name, $own := .Values.services }}{{ $service := mergeOverwrite (deepCopy $.Values.defaults) $own }}{{ if $service.enabled }}{{ $_ := set $all $name $service }}{{ end }}{{ end }}
{{- $all | toJson }}
{{- end }}
{{/* database role of a service */}}
{{- define "etl.role" -}}{{ get (dict "orchestrator" "orchestrator" "etl-worker" "worker" "dag-generator" "dag_generator" "monitor" "monitor") . }}{{- end }}
{{- define "etl.database" -}}{{/* (root role) */}}{{ $db := (index . 0).Values.postgres -}}
postgres://{{ index . 1 }}@{{ $db.host }}:{{ $db.port }}/{{ $db.database }}{{ if eq $db.sslmode "verify-full" }}?sslmode=verify-full&sslrootcert=/run/secrets/etl/postgres/ca.crt{{ end }}
{{- end }}
