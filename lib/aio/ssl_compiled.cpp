// SPDX-License-Identifier: Apache-2.0
// Asio's TLS is compiled here once, as Asio itself.
#include <boost/asio/ssl/impl/src.hpp>
