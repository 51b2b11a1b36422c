{{- define "unused" }}image: kinds/helper:1{{ end }}
