// Package bitrix24 is what the Bitrix24 plugin adds to users: the form of package
// link, with this column.
package bitrix24

import "booking/migrations/link"

// Column holds the id of a person in the portal.
const Column link.Column = "bitrix24_user_id"
