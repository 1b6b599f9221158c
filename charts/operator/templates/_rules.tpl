{{/*
What the operator may do with a platform's objects, verb by verb: of a ClusterRole, or of a Role in each namespace it watches. So nothing
in it is about the cluster as a whole. Secrets are read one by one, by name: it can neither list nor watch nor delete them.
*/}}
{{- define "operator.rules" -}}
- apiGroups: [socialplatform.io]
  resources: [socialplatforms]
  verbs: [get, list, watch]
- apiGroups: [socialplatform.io]
  resources: [socialplatforms/status]
  verbs: [patch]
# An owner reference that holds up the owner's deletion asks for this.
- apiGroups: [socialplatform.io]
  resources: [socialplatforms/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [services, configmaps]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, patch]
# What a platform may ask for and may stop asking for.
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies, ingresses]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
# Not watched: a cluster need not know them.
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors]
  verbs: [get, create, patch, delete]
# What holds up pods that are not ready is told by them, their claims, and what the cluster said of both. Asked when there are such pods.
- apiGroups: [""]
  resources: [pods, persistentvolumeclaims, events]
  verbs: [list]
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [list]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}
