module sealer.example/dashboard/web

go 1.25
