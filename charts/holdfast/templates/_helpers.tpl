{{/* The name of what the chart makes: the release's, with the chart's unless it is in it. */}}
{{- define "holdfast.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "holdfast.selectorLabels" -}}
app.kubernetes.io/name: holdfast
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "holdfast.labels" -}}
app.kubernetes.io/name: holdfast
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "holdfast.serviceAccountName" -}}
{{- default (include "holdfast.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{/* The operator's user name, as the API server knows it. */}}
{{- define "holdfast.operatorAccount" -}}
{{- printf "system:serviceaccount:%s:%s" .Release.Namespace (include "holdfast.serviceAccountName" .) -}}
{{- end -}}

{{/* The elements of a list of strings as CEL writes them. */}}
{{- define "holdfast.celList" -}}
{{- $quoted := list -}}
{{- range . -}}
{{- $quoted = append $quoted (squote .) -}}
{{- end -}}
{{- join ", " $quoted -}}
{{- end -}}

{{/* An image with its tag: (list $ .Values.image) */}}
{{- define "holdfast.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- printf "%s:%s" $image.repository (default $root.Chart.AppVersion $image.tag) -}}
{{- end -}}

{{/* The images of scratch servers, as the operator reads them. */}}
{{- define "holdfast.sandboxImages" -}}
{{- $images := list -}}
{{- range .Values.verification.sandboxImages -}}
{{- $images = append $images (printf "%s/%s=%s" .engine .release .image) -}}
{{- end -}}
{{- join "," $images -}}
{{- end -}}
