module github.com/plextrac-auth/plextrac-auth/examples/go

go 1.24

require github.com/plextrac-auth/plextrac-auth/go v0.0.0

replace github.com/plextrac-auth/plextrac-auth/go => ../../go
