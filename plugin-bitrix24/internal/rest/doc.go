// Package rest reads a Bitrix24 portal over its REST interface: people, departments
// and what a webhook may do.
//
// It gives right answers or typed failures, never a short list: a reading ends as a
// [Complete] or as a *crm.Error. People are read in keyset pages (sorted by ID,
// filter ">ID") chained inside batch requests, 50 pages of 50 people each. Limits of
// the portal are waited for, disturbances are survived, and no error, log line or
// trace carries the webhook's secret.
//
// Everything here only reads, so every request may be repeated. A method that
// creates something must not go through the same retries: it has to look first
// whether the lost request ran.
//
// Facts about the portal: docs of github.com/bitrix24/b24restdocs, summed up in
// facts/bitrix24-rest.md of the project.
package rest
