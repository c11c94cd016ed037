// SPDX-License-Identifier: Apache-2.0
// Asio is compiled here once (BOOST_ASIO_SEPARATE_COMPILATION), not in every file that uses it.
#include <boost/asio/impl/src.hpp>
