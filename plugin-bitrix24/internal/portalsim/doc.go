// Package portalsim is a Bitrix24 portal for tests, benchmarks and the demo: an
// [http.Handler] that answers an incoming webhook's calls as the official REST
// documentation (github.com/bitrix24/b24restdocs) says, and that can be told to
// misbehave in every way a real portal, or a proxy before it, has been seen to.
//
// It follows the documentation and never our client. Where the documentation
// leaves a choice, or servers differ, [Options] has both. State is in memory and
// is thrown away; nothing here belongs into a product.
package portalsim
