module sealer.example/dashboard/store

go 1.25
