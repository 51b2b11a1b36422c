{{- define "base.pod" -}}
apiVersion: v1
kind: Pod
metadata: { name: {{ .Chart.Name }} }
spec: { containers: [{ name: x, image: "mono/{{ .Chart.Name }}:1" }] }
{{- end -}}
