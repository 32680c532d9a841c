{{/* What the operator may do in a namespace whose policies it keeps. No Secrets: the kubelet mounts them, the operator never reads one. */}}
{{- define "holdfast.rules" -}}
- apiGroups: [holdfast.dev]
  resources: [backuppolicies]
  verbs: [get, list, watch]
- apiGroups: [holdfast.dev]
  resources: [backuppolicies/status]
  verbs: [get, update, patch]
# Where OwnerReferencesPermissionEnforcement is on (OpenShift), an owner reference with blockOwnerDeletion asks for this.
- apiGroups: [holdfast.dev]
  resources: [backuppolicies/finalizers]
  verbs: [update]
- apiGroups: [batch]
  resources: [cronjobs]
  verbs: [get, list, watch, create, patch, delete]
# CronJobs make the Jobs of runs; the operator makes those that prune, and removes them when newer ones are there, and those that a person asks for.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
{{- if .Values.quiesce.enabled }}
# To stop workloads for a dump, to put them back, and to tell the pod that dumps.
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch, patch]
- apiGroups: [""]
  resources: [pods]
  verbs: [patch]
{{- end }}
# Never delete: what is stored stays when a policy goes.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [events]
  verbs: [get, create, patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [get, create, patch]
{{- end -}}
