// SPDX-License-Identifier: Apache-2.0
// Boost.Process v2 is compiled here once (BOOST_PROCESS_V2_SEPARATE_COMPILATION). In 1.81 it forgets these
// headers.
#include <boost/asio.hpp>
#include <boost/process/v2/src.hpp>
