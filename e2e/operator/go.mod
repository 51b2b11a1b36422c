module sealer.example/operator

go 1.25
