// The versions of Talos are pinned in v1.N.mod; this file marks the root of the module.
module labc.invalid/talos-oracle

go 1.26.6

require github.com/siderolabs/talos/pkg/machinery v1.13.9
