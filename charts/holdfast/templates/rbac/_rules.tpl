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
# A finalizer on a request that has stopped workloads, until they are put back. Delete: one whose ttlAfterFinished is over.
- apiGroups: [holdfast.dev]
  resources: [restorerequests]
  verbs: [get, list, watch, update, patch, delete]
- apiGroups: [holdfast.dev]
  resources: [restorerequests/status]
  verbs: [get, update, patch]
- apiGroups: [holdfast.dev]
  resources: [restorerequests/finalizers]
  verbs: [update]
# A confirmation is somebody's word: the operator reads it, and never writes one.
- apiGroups: [holdfast.dev]
  resources: [restoreconfirmations]
  verbs: [get, list, watch]
# Whether who confirmed may do so still.
- apiGroups: [authorization.k8s.io]
  resources: [localsubjectaccessreviews]
  verbs: [create]
- apiGroups: [batch]
  resources: [cronjobs]
  verbs: [get, list, watch, create, patch, delete]
# CronJobs make the Jobs of runs; the operator makes those that prune, that a person asks for and that restore, and removes them when they are
# over. Patch: the finalizer that keeps a Job which restores until what came of it is known.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
# Patch: the annotation by which a pod that restores, or one that dumps from stopped workloads, is told to go on.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch]
{{- if .Values.quiesce.enabled }}
# To stop workloads for a dump or a restore, and to put them back.
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch, patch]
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
