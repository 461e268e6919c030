package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// EnvMySQLServer names the tool that runs a private Oracle MySQL; without it the one in
// ../shared/tools beside the checkout is used.
const EnvMySQLServer = "TEST_MYSQL_SERVER"

// checkout is the folder of go.mod.
func checkout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no checkout: these tests must run inside the module")
		}
	}
}

// galeraParts is the folder that .ci/galera fills.
func galeraParts(ctx context.Context) (string, error) {
	dir, err := checkout()
	if err != nil {
		return "", err
	}
	var complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, "bash", filepath.Join(dir, ".ci", "galera"))
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("get what Galera needs: %w: %s", err, complaints.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// mysqlTool is the tool that runs a private Oracle MySQL.
func mysqlTool() (string, error) {
	tool := os.Getenv(EnvMySQLServer)
	if tool == "" {
		dir, err := checkout()
		if err != nil {
			return "", err
		}
		tool = filepath.Join(dir, "..", "shared", "tools", "mysql-server")
	}
	if _, err := os.Stat(tool); err != nil {
		return "", fmt.Errorf("no Oracle MySQL: set %s: %w", EnvMySQLServer, err)
	}
	return tool, nil
}
