// Readers prints what a Go library reads from YAML, as JSON, for comparison with other readers.
//
// Its argument names the library: v2, v3 or sigs. Every line of standard input is a JSON string, a YAML text;
// every line of output is {"documents": [...]} or {"error": "..."}. What JSON cannot tell apart is tagged: a
// float is {"!float": "1.5"}, a time {"!time": "..."}. sigs reads the first document only and knows no floats.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"time"

	yaml2 "go.yaml.in/yaml/v2"
	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

type result struct {
	Documents []any  `json:"documents"`
	Error     string `json:"error,omitempty"`
}

type decoder interface{ Decode(any) error }

var readers = map[string]func(string) ([]any, error){
	"v2": func(text string) ([]any, error) {
		return all(yaml2.NewDecoder(bytes.NewBufferString(text)))
	},
	"v3": func(text string) ([]any, error) {
		return all(yaml3.NewDecoder(bytes.NewBufferString(text)))
	},
	"sigs": first,
}

func main() {
	if len(os.Args) != 2 || readers[os.Args[1]] == nil {
		log.Fatal("usage: readers v2|v3|sigs")
	}
	read := readers[os.Args[1]]
	input := bufio.NewReader(os.Stdin)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	encoder := json.NewEncoder(output)
	encoder.SetEscapeHTML(false)
	for {
		line, err := input.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return
		}
		var text string
		if err := json.Unmarshal(line, &text); err != nil {
			log.Fatalf("not a JSON string: %v", err)
		}
		if err := encoder.Encode(outcome(read, text)); err != nil {
			log.Fatal(err)
		}
	}
}

func outcome(read func(string) ([]any, error), text string) (outcome result) {
	defer func() {
		if problem := recover(); problem != nil {
			outcome = result{Error: fmt.Sprint("panic: ", problem)}
		}
	}()
	documents, err := read(text)
	if err != nil {
		return result{Error: err.Error()}
	}
	return result{Documents: documents}
}

// all reads every document of a stream.
func all(decoder decoder) ([]any, error) {
	documents := []any{}
	for {
		var document any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		tagged, err := tag(document)
		if err != nil {
			return nil, err
		}
		documents = append(documents, tagged)
	}
}

// first reads the first document, as every Kubernetes tool does once it has split a stream.
func first(text string) ([]any, error) {
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	return []any{json.RawMessage(data)}, nil
}

// tag makes a value ready for JSON, its keys named as sigs.k8s.io/yaml names them.
func tag(value any) (any, error) {
	switch value := value.(type) {
	case map[any]any:
		tagged := map[string]any{}
		for key, value := range value {
			name, err := name(key)
			if err != nil {
				return nil, err
			}
			if tagged[name], err = tag(value); err != nil {
				return nil, err
			}
		}
		return tagged, nil
	case map[string]any:
		tagged := map[string]any{}
		for key, value := range value {
			var err error
			if tagged[key], err = tag(value); err != nil {
				return nil, err
			}
		}
		return tagged, nil
	case []any:
		tagged := []any{}
		for _, value := range value {
			item, err := tag(value)
			if err != nil {
				return nil, err
			}
			tagged = append(tagged, item)
		}
		return tagged, nil
	case float64:
		return map[string]any{"!float": strconv.FormatFloat(value, 'g', -1, 64)}, nil
	case time.Time:
		return map[string]any{"!time": value.Format(time.RFC3339Nano)}, nil
	default:
		return value, nil
	}
}

func name(key any) (string, error) {
	switch key := key.(type) {
	case string:
		return key, nil
	case int:
		return strconv.Itoa(key), nil
	case bool:
		return strconv.FormatBool(key), nil
	case float64:
		switch name := strconv.FormatFloat(key, 'g', -1, 32); name {
		case "+Inf":
			return ".inf", nil
		case "-Inf":
			return "-.inf", nil
		case "NaN":
			return ".nan", nil
		default:
			return name, nil
		}
	default:
		return "", fmt.Errorf("unsupported map key of type %T", key)
	}
}
