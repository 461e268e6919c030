package portalsim

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

func usage(out io.Writer, set *flag.FlagSet) {
	_, _ = fmt.Fprint(out, "Simulates a Bitrix24 portal on this machine, for tests and demonstrations.\n\nUsage: bitrix24 simulate [flags]\n\n")
	set.VisitAll(func(f *flag.Flag) {
		kind, about := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "false" {
			about += " (default " + f.DefValue + ")"
		}
		_, _ = fmt.Fprintf(out, "  %-34s %s\n", "--"+f.Name+" "+kind, about)
	})
	_, _ = fmt.Fprint(out, "\nDialects: "+strings.Join(dialectNames(), ", ")+"\n\nFaults: kind[,request=N][,every=N][,times=N|always][,for=60s][,command=N|last][,method=user.get]\n")
	for _, info := range infos {
		_, _ = fmt.Fprintf(out, "  %-24s %s\n", info.Kind, info.About)
	}
	_, _ = fmt.Fprint(out, controlHelp)
}

const controlHelp = `
While it serves, programs on this machine can change the portal below /control/:
  curl CONTROL/people                                  everybody
  curl CONTROL/people -d '{"name":"Anna"}'             hire
  curl -X PATCH CONTROL/people/7 -d '{"email":"a@b"}'  change fields
  curl CONTROL/people/7/rename -d 'Anna Ivanova'       rename
  curl -X POST CONTROL/people/7/dismiss                dismiss; also: restore
  curl -X DELETE CONTROL/people/7                      delete
  curl CONTROL/faults -d 'html_502,request=2'          break something
  curl -X DELETE CONTROL/faults                        mend everything
  curl CONTROL/stats                                   requests so far; DELETE: start from zero
  curl CONTROL/bucket -d 50                            others have made 50 requests
  curl CONTROL/events -d '{"to":"http://127.0.0.1:8080/x","id":7}'
                                                       send ONUSERADD as an outbound webhook does
`
