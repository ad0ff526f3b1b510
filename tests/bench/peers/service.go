// SPDX-License-Identifier: MIT

// A queue of jobs as one writes it in Go in an afternoon: net/http, encoding/json, database/sql with go-sqlite3. Nothing is left out
// that makes it quicker in the usual ways: prepared statements, write-ahead log, one connection that writes (so that nobody waits in
// SQLite's busy handler) and several that read. A job is on disk before its 201: synchronous=FULL, an INSERT a transaction.
//
// usage: service DATABASE; it prints the address that it listens on.
package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

const schema = `
CREATE TABLE IF NOT EXISTS jobs (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	type       TEXT    NOT NULL,
	request_id TEXT    NOT NULL,
	owner_id   TEXT    NOT NULL,
	data       TEXT    NOT NULL,
	callback   TEXT    NOT NULL UNIQUE,
	priority   INTEGER NOT NULL,
	status     TEXT    NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	UNIQUE (type, request_id)
);
CREATE INDEX IF NOT EXISTS jobs_order ON jobs (type, priority, id);`

// Job is a job as clients see it.
type Job struct {
	ID        int64
	CreatedAt time.Time
	UpdatedAt time.Time
	RequestID string
	Type      string
	OwnerID   string
	Data      string
	Callback  string
	Priority  int64
	Status    string
}

type request struct {
	RequestID string          `json:"request_id"`
	OwnerID   string          `json:"owner_id"`
	Data      json.RawMessage `json:"data"`
	Callback  string          `json:"callback"`
	Priority  *int64          `json:"priority"`
}

type service struct {
	insert, show *sql.Stmt
}

func answer(w http.ResponseWriter, status int, data interface{}) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(map[string]interface{}{"data": data, "ok": status < 300}); err != nil {
		log.Print(err)
	}
}

func (s *service) post(w http.ResponseWriter, r *http.Request, kind string) {
	var in request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
		answer(w, http.StatusBadRequest, err.Error())
		return
	}
	if in.RequestID == "" || in.OwnerID == "" || in.Callback == "" || len(in.Data) == 0 {
		answer(w, http.StatusBadRequest, "request_id, owner_id, data and callback are needed")
		return
	}
	now := time.Now()
	job := Job{CreatedAt: now, UpdatedAt: now, RequestID: in.RequestID, Type: kind, OwnerID: in.OwnerID, Data: string(in.Data),
		Callback: in.Callback, Priority: now.UnixNano() / 1000, Status: "queued"}
	if in.Priority != nil {
		job.Priority = *in.Priority
	}
	done, err := s.insert.Exec(job.Type, job.RequestID, job.OwnerID, job.Data, job.Callback, job.Priority, job.Status,
		now.UnixNano(), now.UnixNano())
	var fault sqlite3.Error
	if errors.As(err, &fault) && fault.Code == sqlite3.ErrConstraint {
		answer(w, http.StatusConflict, err.Error())
		return
	}
	if err == nil {
		job.ID, err = done.LastInsertId()
	}
	if err != nil {
		answer(w, http.StatusInternalServerError, err.Error())
		return
	}
	answer(w, http.StatusCreated, job)
}

func (s *service) get(w http.ResponseWriter, kind, name string) {
	var created, updated int64
	job := Job{Type: kind, RequestID: name}
	err := s.show.QueryRow(kind, name).Scan(&job.ID, &job.OwnerID, &job.Data, &job.Callback, &job.Priority, &job.Status, &created,
		&updated)
	if errors.Is(err, sql.ErrNoRows) {
		answer(w, http.StatusNotFound, "there is no such job")
		return
	}
	if err != nil {
		answer(w, http.StatusInternalServerError, err.Error())
		return
	}
	job.CreatedAt, job.UpdatedAt = time.Unix(0, created), time.Unix(0, updated)
	answer(w, http.StatusOK, job)
}

// POST /v1/{type}/ and GET /v1/{type}/{request_id}
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	part := strings.Split(r.URL.Path, "/")
	switch {
	case len(part) != 4 || part[1] != "v1":
		answer(w, http.StatusNotFound, "there is no such page")
	case r.Method == http.MethodPost && part[3] == "":
		s.post(w, r, part[2])
	case r.Method == http.MethodGet && part[3] != "":
		s.get(w, part[2], part[3])
	default:
		answer(w, http.StatusMethodNotAllowed, r.Method)
	}
}

// One pool of connections to the database, of at most so many.
func open(path string, connections int) *sql.DB {
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000&_txlock=immediate")
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db
}

func prepare(db *sql.DB, text string) *sql.Stmt {
	st, err := db.Prepare(text)
	if err != nil {
		log.Fatal(err)
	}
	return st
}

func main() {
	write, read := open(os.Args[1], 1), open(os.Args[1], 16)
	if _, err := write.Exec(schema); err != nil {
		log.Fatal(err)
	}
	s := &service{
		insert: prepare(write, `INSERT INTO jobs (type, request_id, owner_id, data, callback, priority, status, created_at, updated_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`),
		show: prepare(read, `SELECT id, owner_id, data, callback, priority, status, created_at, updated_at FROM jobs
			WHERE type = ? AND request_id = ?`),
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	log.Fatal(http.Serve(listener, s))
}
