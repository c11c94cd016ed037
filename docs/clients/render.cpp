// SPDX-License-Identifier: Apache-2.0
// Renders frames and waits for them: render http://127.0.0.1:3000 scene.blend 1-10
// g++ -std=c++20 render.cpp -o render -lboost_json -lboost_url    (Boost 1.81 or newer)
#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <boost/json.hpp>
#include <boost/url.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <iostream>
#include <thread>

namespace http = boost::beast::http;
using response = http::response<http::string_body>;

void wait(const response& told, int otherwise) {
  const auto value = told["Retry-After"];
  std::this_thread::sleep_for(std::chrono::seconds{value.empty() ? otherwise : std::stoi(value)});
}

// Repeats a request that gets no answer, or 429 or 503.
response ask(boost::urls::url_view kiln, http::request<http::string_body> request) {
  request.set(http::field::host, kiln.encoded_host_and_port());
  request.prepare_payload();
  for (int attempt = 0; attempt < 8; attempt++) {
    response answer;
    try {
      boost::asio::io_context loop;
      boost::asio::ip::tcp::socket socket{loop};
      boost::asio::ip::tcp::resolver resolver{loop};
      boost::asio::connect(socket, resolver.resolve(kiln.host(), kiln.has_port() ? kiln.port() : "80"));
      http::write(socket, request);
      boost::beast::flat_buffer buffer;
      http::read(socket, buffer, answer);
      if (answer.result_int() < 300)
        return answer;
      if (answer.result_int() != 429 && answer.result_int() != 503)
        throw std::runtime_error(answer.body());
    } catch (const boost::system::system_error&) { // no answer
    }
    wait(answer, 1 << attempt);
  }
  throw std::runtime_error("kilnd does not answer");
}

int main(int, char** argv) try {
  const boost::urls::url_view kiln{argv[1]};
  const boost::json::object job{{"blend", argv[2]}, {"frames", argv[3]}};
  http::request<http::string_body> post{http::verb::post, "/v1/jobs", 11, boost::json::serialize(job)};
  post.set(http::field::content_type, "application/json");
  // The key makes it safe to repeat the request: the same key is the same job.
  post.set("Idempotency-Key", to_string(boost::uuids::random_generator{}()));
  auto answer = ask(kiln, post);
  const std::string location = answer["Location"];
  while (answer.count("Retry-After")) { // there is none when the job is final
    wait(answer, 1);
    answer = ask(kiln, {http::verb::get, location, 11});
  }
  const auto found = boost::json::parse(answer.body());
  const std::string state{found.at("state").as_string()};
  std::cout << state << '\n';
  if (state != "succeeded")
    throw std::runtime_error(boost::json::serialize(found.at("failure")));
} catch (const std::exception& why) {
  std::cerr << why.what() << '\n';
  return 1;
}
