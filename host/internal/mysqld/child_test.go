package mysqld

import "context"

// contextForChild is the context of a process that has no test.
var contextForChild = context.Background()
