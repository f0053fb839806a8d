module github.com/plextrac-auth/plextrac-auth/go

go 1.24
