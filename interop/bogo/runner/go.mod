module boringssl.googlesource.com/boringssl.git

go 1.27

require (
	golang.org/x/crypto v0.55.0
	golang.org/x/term v0.45.0
)

require golang.org/x/sys v0.47.0 // indirect
