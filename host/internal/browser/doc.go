// Package browser drives a real Chromium through the real programs: an administrator
// connects a portal, looks at the preview, syncs and reads what happened, in both
// languages, on a phone, without script and from the keyboard; and it holds every page
// against axe-core and checks of its own. It holds tests only.
//
// Screenshots are kept in the folder that BOOKING_SCREENSHOTS names, when it names one.
package browser
