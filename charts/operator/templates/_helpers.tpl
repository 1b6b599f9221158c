{{/*
Name of every object: the release's, with what it is when the release's name does not say so. Short enough for a name of at most 63
characters to be made of it with `-metrics` at its end.
*/}}
{{- define "operator.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains "operator" $name) -}}
{{- $name = printf "%s-operator" ($name | trunc 46 | trimSuffix "-") -}}
{{- end -}}
{{- $name | trunc 55 | trimSuffix "-" -}}
{{- end -}}

{{- define "operator.tag" -}}
{{- .Values.image.tag | default .Chart.AppVersion -}}
{{- end -}}

{{- define "operator.image" -}}
{{- printf "%s:%s" .Values.image.repository (include "operator.tag" .) | quote -}}
{{- end -}}

{{/* Name of the role over platforms, which is the cluster's or other namespaces': it tells whose it is. */}}
{{- define "operator.roleName" -}}
{{- printf "%s-%s" .Release.Namespace (include "operator.name" .) -}}
{{- end -}}

{{- define "operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "operator.name" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* Held to the `restricted` standard, pod and container. */}}
{{- define "operator.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "operator.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* What tells the operator's pods from others. Selectors cannot be changed, so no version is in it. */}}
{{- define "operator.selector" -}}
app.kubernetes.io/name: operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "operator.labels" -}}
{{ include "operator.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: socialplatform
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ include "operator.tag" . | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}
