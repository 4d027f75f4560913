package main

import (
	"io"
	"log/slog"
)

// newLog is the logger that every service gets. The configuration has been checked.
func (c *Config) newLog(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		panic("weir: log.level was not checked: " + err.Error())
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
