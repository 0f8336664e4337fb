package main

// A server that expects the request of a fixture and returns its response.

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
)

type golden struct {
	Name    string
	Request struct {
		Method, Path string
		Query        map[string]any
		Headers      map[string]string
		Body         json.RawMessage
	}
	Response struct {
		Status  int
		Headers map[string]string
		Body    json.RawMessage
	}
}

type goldenServer struct {
	*httptest.Server
	current    golden
	complaints []string
	seen       int
}

func newGoldenServer() *goldenServer {
	server := &goldenServer{}
	server.Server = httptest.NewServer(http.HandlerFunc(server.respond))
	return server
}

func (s *goldenServer) respond(writer http.ResponseWriter, request *http.Request) {
	s.seen++
	wanted := s.current.Request
	body := must(io.ReadAll(request.Body))
	s.compare("method", request.Method, wanted.Method)
	s.compare("path", request.URL.Path, wanted.Path)
	s.compare("body", plain(body), plain(wanted.Body))
	query := map[string]string{}
	for name, value := range wanted.Query {
		query[name] = fmt.Sprint(value)
	}
	sent := map[string]string{}
	for name := range request.URL.Query() {
		sent[name] = request.URL.Query().Get(name)
	}
	s.compare("query", sent, query)
	for name, value := range wanted.Headers {
		s.compare(name, request.Header.Get(name), value)
	}
	for name, value := range s.current.Response.Headers {
		writer.Header().Set(name, value)
	}
	writer.WriteHeader(s.current.Response.Status)
	must(writer.Write(s.current.Response.Body))
}

func (s *goldenServer) compare(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		s.complaints = append(s.complaints, fmt.Sprintf("%s: %v is not %v", what, got, want))
	}
}

// expect compares the request of call with the golden one, and fails if they differ.
func (s *goldenServer) expect(current golden, call func()) {
	s.current, s.complaints, s.seen = current, nil, 0
	call()
	check(len(s.complaints) == 0, "%s: %v", current.Name, s.complaints)
	check(s.seen == 1, "%s: %d requests", current.Name, s.seen)
}

// plain decodes JSON and drops null members, because absent and null are equal.
func plain(data []byte) any {
	if len(data) == 0 {
		return nil
	}
	var value any
	must(0, json.Unmarshal(data, &value))
	return withoutNulls(value)
}

func withoutNulls(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if member == nil {
				delete(value, name)
			} else {
				value[name] = withoutNulls(member)
			}
		}
	case []any:
		for place, item := range value {
			value[place] = withoutNulls(item)
		}
	}
	return value
}
