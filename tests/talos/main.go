// Command talos-oracle answers what Talos itself says about machine configs: it is built once for each version of
// Talos' own library, so that labc's patches are judged by the decoder that the nodes run.
//
//	talos-oracle check          reads a lab as JSON from standard input, applies the patches of each node to a fresh
//	                            machine config as talosctl does, and prints the errors and the config of each node
//	talos-oracle fields KIND... prints every field that this version decodes, one a line
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/siderolabs/talos/pkg/machinery/config"
	"github.com/siderolabs/talos/pkg/machinery/config/configloader"
	"github.com/siderolabs/talos/pkg/machinery/config/configpatcher"
	"github.com/siderolabs/talos/pkg/machinery/config/generate"
	"github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"
	"github.com/siderolabs/talos/pkg/machinery/config/machine"
	"github.com/siderolabs/talos/pkg/machinery/config/validation"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "check":
		return check()
	case len(args) > 1 && args[0] == "fields":
		return fields(args[1:])
	default:
		return errors.New("usage: talos-oracle check | talos-oracle fields KIND...")
	}
}

// lab is what check reads.
type lab struct {
	Name       string `json:"name"`
	Endpoint   string `json:"endpoint"`
	Contract   string `json:"contract"`
	Kubernetes string `json:"kubernetes"`
	Secrets    string `json:"secrets"` // a file with the cluster's secrets; new ones where it is empty
	Nodes      []node `json:"nodes"`
}

type node struct {
	Name    string   `json:"name"`
	Role    string   `json:"role"`
	Patches []string `json:"patches"` // paths, in the order in which they are applied
}

type answer struct {
	Errors []string `json:"errors"`
	Config string   `json:"config"`
}

func check() error {
	var asked lab
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}

	contract, err := config.ParseContractFromVersion(asked.Contract)
	if err != nil {
		return err
	}

	bundle, err := bundleOf(&asked, contract)
	if err != nil {
		return err
	}

	answers := map[string]answer{}
	for _, one := range asked.Nodes {
		text, err := configOf(&asked, one, contract, bundle)
		answers[one.Name] = answer{Errors: lines(err), Config: string(text)}
	}

	return json.NewEncoder(os.Stdout).Encode(answers)
}

func bundleOf(asked *lab, contract *config.VersionContract) (*secrets.Bundle, error) {
	if asked.Secrets == "" {
		return secrets.NewBundle(secrets.NewFixedClock(time.Now()), contract)
	}

	return secrets.LoadBundle(asked.Secrets)
}

// configOf generates, patches, reloads and validates the config of a node.
func configOf(asked *lab, one node, contract *config.VersionContract, bundle *secrets.Bundle) (text []byte, err error) {
	defer func() { // some decoders panic on a wrong patch
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()

	input, err := generate.NewInput(asked.Name, asked.Endpoint, asked.Kubernetes,
		generate.WithVersionContract(contract),
		generate.WithSecretsBundle(bundle),
		generate.WithInstallDisk("/dev/sda"),
		generate.WithInstallImage("example.org/installer:latest"),
		generate.WithDNSDomain("cluster.local"),
		generate.WithClusterDiscovery(true),
	)
	if err != nil {
		return nil, err
	}

	role, err := machine.ParseType(one.Role)
	if err != nil {
		return nil, err
	}

	base, err := input.Config(role)
	if err != nil {
		return nil, err
	}

	files := make([]string, 0, len(one.Patches))
	for _, path := range one.Patches {
		files = append(files, "@"+path)
	}

	patches, err := configpatcher.LoadPatches(files)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}

	patched, err := configpatcher.Apply(configpatcher.WithConfig(base), patches)
	if err != nil {
		return nil, fmt.Errorf("apply: %w", err)
	}

	text, err = patched.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}

	loaded, err := configloader.NewFromBytes(text)
	if err != nil {
		return text, fmt.Errorf("reload: %w", err)
	}

	_, err = loaded.Validate(metal{}, validation.WithLocal(), validation.WithStrict())

	return text, err
}

// metal is the runtime mode of a machine that installs itself to a disk.
type metal struct{}

func (metal) String() string        { return "metal" }
func (metal) RequiresInstall() bool { return true }
func (metal) InContainer() bool     { return false }

func lines(err error) []string {
	found := []string{}
	if err == nil {
		return found
	}

	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			found = append(found, line)
		}
	}

	return found
}

// fields prints the fields of the v1alpha1 config and of every kind that this version knows.
func fields(kinds []string) error {
	found := map[string]string{}

	documents := map[string]string{"v1alpha1": "version: v1alpha1\nmachine: {}\n"}
	for _, kind := range kinds {
		documents[kind] = "apiVersion: v1alpha1\nkind: " + kind + "\n"
	}

	for kind, text := range documents {
		provider, err := configloader.NewFromBytes([]byte(text))
		if err != nil {
			continue // a kind of another version
		}

		for _, document := range provider.Documents() {
			walk(reflect.TypeOf(document), kind, found)
		}
	}

	paths := make([]string, 0, len(found))
	for path := range found {
		paths = append(paths, path)
	}

	sort.Strings(paths)

	for _, path := range paths {
		fmt.Println(path, found[path])
	}

	return nil
}

// walk adds the fields below a type: `[]` is any item of a list, `*` is any key of a map.
func walk(shape reflect.Type, path string, found map[string]string) {
	for shape.Kind() == reflect.Pointer {
		shape = shape.Elem()
	}

	switch shape.Kind() {
	case reflect.Struct:
		walkStruct(shape, path, found)
	case reflect.Slice, reflect.Array:
		if shape.Elem().Kind() == reflect.Uint8 || shape.Name() == "ArgValue" {
			found[path] = "text"

			return
		}

		found[path] = "list"
		walk(shape.Elem(), path+".[]", found)
	case reflect.Map:
		found[path] = "map"
		walk(shape.Elem(), path+".*", found)
	case reflect.Interface:
		found[path] = "any"
	case reflect.Bool:
		found[path] = "boolean"
	case reflect.String:
		found[path] = "text"
	default: // numbers, and numbers with a text form
		found[path] = "text"
		if shape.PkgPath() == "" {
			found[path] = "integer"
		}
	}
}

func walkStruct(shape reflect.Type, path string, found map[string]string) {
	known := false

	for index := range shape.NumField() {
		field := shape.Field(index)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")

		switch {
		case strings.Contains(options, "inline"):
			known = true

			if field.Type.Kind() == reflect.Map { // data of another program
				found[path+".*"] = "any"
			} else {
				walk(field.Type, path, found)
			}
		case name != "" && name != "-":
			known = true

			if path != "" {
				walk(field.Type, path+"."+name, found)
			}
		}
	}

	if known {
		found[path] = "map"
	} else {
		found[path] = "any" // it reads itself
	}
}
