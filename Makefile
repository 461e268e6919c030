# booking-host: a calendar's users follow a company's CRM.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Nothing here needs a C compiler.
export CGO_ENABLED := 0
# A folder that its group may write to is refused as a plugin's home.
UMASK := umask 022

BUF           := github.com/bufbuild/buf/cmd/buf@v1.75.0
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GEN_GO        := google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
GEN_GO_GRPC   := google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/booking-host and bin/plugins/bitrix24/ (executable and manifest)
	@$(UMASK); mkdir -p bin/plugins/bitrix24; chmod go-w bin bin/plugins bin/plugins/bitrix24
	@$(UMASK); go build -trimpath -ldflags '-s -w' -o bin/booking-host ./host
	@$(UMASK); go build -trimpath -ldflags '-s -w' -o bin/plugins/bitrix24/bitrix24 ./plugin-bitrix24
	@$(UMASK); bin/plugins/bitrix24/bitrix24 manifest > bin/plugins/bitrix24/plugin.json.new
	@mv bin/plugins/bitrix24/plugin.json.new bin/plugins/bitrix24/plugin.json

.PHONY: demo
demo: database build ## a working sync in the browser (ARGS=--once: without serving)
	@BOOKING_DATA_DIR=$${BOOKING_DATA_DIR:-var/demo} bin/booking-host demo $(ARGS)

.PHONY: test
test: database browser python ## every test, against a real database server (TEST_MYSQL_DSN: yours)
	go test -count=1 -timeout 20m $(ARGS) ./...

.PHONY: test-mysql
test-mysql: ## what touches the database, against Oracle MySQL (TEST_MYSQL_DSN, or ../shared/tools/mysql-server)
	@bash .ci/mysql go test -count=1 -timeout 20m ./migrations/... ./shared/usersync/... ./host/internal/store/... ./host/internal/runs/... ./host/internal/schedule/...

.PHONY: chaos
chaos: database ## three hosts that are killed, stopped and cut off, on a database that dies (ROUNDS=10, TENANTS=200, TEST_SEED: one again)
	@ROUNDS=$(or $(ROUNDS),10) go test -tags chaos -count=1 -v -timeout 240m -run TestChaos $(ARGS) ./host/internal/endtoend/chaos

# Where the tests with the build tag cluster are.
CLUSTER := ./shared/testdb/cluster ./migrations ./shared/usersync ./host/internal/store ./host/internal/endtoend/chaos

.PHONY: test-cluster
test-cluster: database ## on clusters of three, Galera and Group Replication, whose nodes die (ROUNDS=1, TENANTS=100, TEST_SEED: one again)
	@ROUNDS=$(or $(ROUNDS),1) bash .ci/cluster go test -tags cluster -p 1 -count=1 -timeout 80m -run TestCluster $(ARGS) $(CLUSTER)

.PHONY: lint
lint: ## formatting, vet, golangci-lint (with the directions of import), no CRM's name in the host
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	go vet -tags cluster,chaos ./...
	go run $(GOLANGCI_LINT) run
	@! git grep -niE 'bitrix' -- host ':!*_test.go' ':!host/**/testdata/**' || { echo "host/ must know no CRM by name"; exit 1; }

.PHONY: generate
generate: ## the contract's Go code from crm.proto
	@tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	GOBIN="$$tools" go install $(GEN_GO); GOBIN="$$tools" go install $(GEN_GO_GRPC); \
	cd shared/crm/internal/crmpb; PATH="$$tools:$$PATH" go run $(BUF) generate

.PHONY: bench
bench: database ## ratios against the old way and the floor, side by side in one run (ARGS=... for the sync, QUEUE_ARGS=... for queue, pages and door)
	go run ./plugin-bitrix24/internal/bench $(ARGS)
	go run ./host/internal/bench $(QUEUE_ARGS)
	go test -run '^$$' -bench . ./shared/crmhost

.PHONY: check-sdk
CHECK_SDK := plugin-bitrix24/internal/portalsim/testdata/check-sdk
check-sdk: ## compare the simulated portal with Bitrix24's own JavaScript client (Node 20 or newer)
	@node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null || { echo "make check-sdk needs Node 20 or newer, and npm" >&2; exit 1; }
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; cp $(CHECK_SDK)/check.mjs $(CHECK_SDK)/package.json "$$dir"; \
	npm install --prefix "$$dir" --ignore-scripts --no-audit --no-fund --silent; go build -o "$$dir/bitrix24" ./plugin-bitrix24; \
	node "$$dir/check.mjs" "$$dir/bitrix24"

.PHONY: database
database:
	@bash .ci/install mariadb

.PHONY: python
python:
	@bash .ci/install python

.PHONY: browser
browser:
	@bash .ci/install chromium
	@bash .ci/install axe

.PHONY: clean
clean: ## remove what build made (not the data below var/)
	rm -rf bin
