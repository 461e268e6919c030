package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"booking/host/internal/problem"
	"booking/shared/crm"
)

// doors are the addresses that the host listens on; metrics is nil where they are off.
type doors struct{ pages, metrics net.Listener }

// openDoors takes both addresses before anything else is begun: one that is taken is
// told at once.
func (a *app) openDoors(ctx context.Context) (doors, error) {
	var d doors
	var err error
	if d.pages, err = a.listen(ctx, "BOOKING_ADDR", a.config.Addr); err != nil {
		return doors{}, err
	}
	if a.config.MetricsAddr == "" {
		return d, nil
	}
	if d.metrics, err = a.listen(ctx, "BOOKING_METRICS_ADDR", a.config.MetricsAddr); err != nil {
		d.close()
		return doors{}, err
	}
	return d, nil
}

func (d doors) close() {
	for _, listener := range []net.Listener{d.pages, d.metrics} {
		if listener != nil {
			_ = listener.Close()
		}
	}
}

// listen takes an address; variable is what sets it.
func (a *app) listen(ctx context.Context, variable, address string) (net.Listener, error) {
	var settings net.ListenConfig
	listener, err := settings.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, problem.New(nil, crm.Text{
			RU: fmt.Sprintf("Адрес %s уже занят другой программой: остановите её или задайте другой в %s", address, variable),
			EN: fmt.Sprintf("Another program is using %s: stop it or set another address in %s", address, variable),
		}, err)
	}
	if err != nil {
		return nil, problem.New(nil, crm.Text{
			RU: fmt.Sprintf("На адресе %s нельзя принимать соединения: исправьте %s", address, variable),
			EN: fmt.Sprintf("The address %s cannot be listened on: mend %s", address, variable),
		}, err)
	}
	return listener, nil
}
