// SPDX-License-Identifier: Apache-2.0
// Renders frames and waits for them: go run render.go http://127.0.0.1:3000 scene.blend 1-10
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

var client = &http.Client{Timeout: time.Minute}

type job struct {
	State   string          `json:"state"`
	Failure json.RawMessage `json:"failure"`
}

// ask repeats a request that gets no answer, or 429 or 503.
func ask(method, target string, body []byte, key string) (http.Header, job) {
	for attempt := 0; attempt < 8; attempt++ {
		wait := time.Second << attempt
		request, err := http.NewRequest(method, target, bytes.NewReader(body))
		if err != nil {
			log.Fatal(err)
		}
		if body != nil {
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Idempotency-Key", key)
		}
		if answer, err := client.Do(request); err == nil {
			text, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			var found job
			if answer.StatusCode < 300 && json.Unmarshal(text, &found) == nil {
				return answer.Header, found
			}
			if answer.StatusCode != 429 && answer.StatusCode != 503 {
				log.Fatal(string(text))
			}
			if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil {
				wait = time.Duration(seconds) * time.Second
			}
		}
		time.Sleep(wait)
	}
	log.Fatal(target, " does not answer")
	return nil, job{}
}

func main() {
	kiln, err := url.Parse(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	body, _ := json.Marshal(map[string]string{"blend": os.Args[2], "frames": os.Args[3]})
	key := make([]byte, 16) // makes it safe to repeat the request: the same key is the same job
	if _, err := rand.Read(key); err != nil {
		log.Fatal(err)
	}
	header, found := ask("POST", os.Args[1]+"/v1/jobs", body, fmt.Sprintf("%x", key))
	location, err := kiln.Parse(header.Get("Location"))
	if err != nil {
		log.Fatal(err)
	}
	for header.Get("Retry-After") != "" { // there is none when the job is final
		seconds, _ := strconv.Atoi(header.Get("Retry-After"))
		time.Sleep(time.Duration(seconds) * time.Second)
		header, found = ask("GET", location.String(), nil, "")
	}
	fmt.Println(found.State)
	if found.State != "succeeded" {
		log.Fatal(string(found.Failure))
	}
}
