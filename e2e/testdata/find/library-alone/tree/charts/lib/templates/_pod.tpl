{{- define "lib.pod" -}}
containers: [{ name: x, image: never/this:1 }]
{{- end -}}
